// The two health apps of the demo: their design and their users.

export const BRANDS = {
  harbor: {
    id: 'harbor',
    name: 'Harbor Health',
    tagline: 'Calm waters for your care',
    mark: 'M4 20c4-3 6-3 8 0s4 3 8 0M12 3v11M12 5l6 9H6z',
    colors: { brand: '#0b5c6b', strong: '#073f4a', soft: '#e3f2f4',
              page: '#f4f8f9' },
    users: [
      { id: 'user-1001', email: 'dana@harbor.example', name: 'Dana Whitlock',
        password: 'harbor-demo' },
      { id: 'user-1002', email: 'omar@harbor.example', name: 'Omar Reyes',
        password: 'harbor-demo' },
    ],
  },
  juniper: {
    id: 'juniper',
    name: 'Juniper Care',
    tagline: 'Every record, one garden',
    mark: 'M12 21V9M12 9c-5 0-6-4-6-6 4 0 6 2 6 6zM12 14c4 0 6-3 6-6-4 0-6 2'
      + '-6 6z',
    colors: { brand: '#4b4fa8', strong: '#34377d', soft: '#ecedfa',
              page: '#f6f6fc' },
    users: [
      { id: 'user-1001', email: 'lee@juniper.example', name: 'Lee Hartmann',
        password: 'juniper-demo' },
      { id: 'user-1002', email: 'ana@juniper.example', name: 'Ana Moreau',
        password: 'juniper-demo' },
    ],
  },
};
